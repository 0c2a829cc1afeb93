/** Where questions go: they cannot be turned off. */
export const questionChannels = ['mail', 'chat', 'both'] as const;
export type QuestionChannel = (typeof questionChannels)[number];

/** Where everything else goes. */
export const newsChannels = [...questionChannels, 'none'] as const;
export type NewsChannel = (typeof newsChannels)[number];

/** Times of day, `HH:MM`, in the person's time zone. */
export interface Digest {
  at: string;
}
export interface QuietHours {
  from: string;
  to: string;
}

/** What may be different for a workflow. */
export interface WorkflowPreferences {
  questions: QuestionChannel;
  news: NewsChannel;
  digest: Digest | null;
}

export interface Preferences extends WorkflowPreferences {
  quietHours: QuietHours | null;
  /** By key of the workflow: what is not given is as above. */
  workflows: Record<string, Partial<WorkflowPreferences>>;
}

/** Of who has said nothing. */
export const defaultPreferences: Preferences = {
  questions: 'mail',
  news: 'mail',
  digest: null,
  quietHours: null,
  workflows: {},
};

/** What counts for requests of a workflow. */
export const preferencesFor = (
  { workflows, ...general }: Preferences,
  workflow: string,
): Omit<Preferences, 'workflows'> => {
  const own = Object.hasOwn(workflows, workflow) ? workflows[workflow] : undefined;
  const given = Object.fromEntries(Object.entries(own ?? {}).filter(([, value]) => value !== undefined));
  return { ...general, ...given };
};
