import type { Reading } from '@countersign/contracts';
import { isLanguage, type Language } from '@countersign/reader';
import type { ChatFormat } from '../chat/chat-channel';
import { defaultPreferences, type Preferences } from '../preferences/preferences';

/** What mails need to know of a workspace. */
export interface Workspace {
  /** Empty when nobody has said. */
  name: string;
  language: Language;
  timezone: string;
  decisionLinks: boolean;
  decisionLinkDays: number;
}

/** Until intake has said more. */
export const unknownWorkspace: Workspace = {
  name: '',
  language: 'en',
  timezone: 'UTC',
  decisionLinks: true,
  decisionLinkDays: 7,
};

export interface WorkspaceRow extends Omit<Workspace, 'language'> {
  workspaceId: string;
  language: string;
}

/** A chat channel that is enabled, and for whom it is. */
export interface Channel {
  id: string;
  workspaceId: string;
  format: ChatFormat;
  userId: string | null;
  /** Display name of a group. */
  group: string | null;
  workflows: string[] | null;
  events: string[];
}

export interface PersonRow {
  workspaceId: string;
  id: string;
  reading: Reading | null;
  /** Display names; null when nobody knows the person. */
  groups?: string[] | null;
  /** Null: they have said nothing. */
  preferences: Preferences | null;
}

/** Those to whom something is told, as far as they are known here. */
export class Audience {
  private readonly workspaces: ReadonlyMap<string, Workspace>;
  private readonly people: ReadonlyMap<string, PersonRow>;

  constructor(
    workspaces: readonly WorkspaceRow[],
    people: readonly PersonRow[],
    private readonly allChannels: readonly Channel[] = [],
    /** Tasks that were asked about and that questions are waiting about, which have become pointless. */
    readonly waiting: { mails: readonly string[]; chats: readonly string[] } = { mails: [], chats: [] },
  ) {
    this.workspaces = new Map(
      workspaces.map(({ workspaceId, language, ...workspace }) => [
        workspaceId,
        { ...workspace, language: isLanguage(language) ? language : unknownWorkspace.language },
      ]),
    );
    this.people = new Map(people.map((person) => [`${person.workspaceId} ${person.id}`, person]));
  }

  workspace(id: string): Workspace {
    return this.workspaces.get(id) ?? unknownWorkspace;
  }

  channels(workspaceId: string): Channel[] {
    return this.allChannels.filter((channel) => channel.workspaceId === workspaceId);
  }

  groups(workspaceId: string, personId: string): readonly string[] {
    return this.people.get(`${workspaceId} ${personId}`)?.groups ?? [];
  }

  /** How somebody wants to be told. */
  preferences(workspaceId: string, personId: string): Preferences {
    return this.people.get(`${workspaceId} ${personId}`)?.preferences ?? defaultPreferences;
  }

  /** How somebody reads; null when nothing is known of it. */
  reading(workspaceId: string, personId: string): Reading | null {
    return this.people.get(`${workspaceId} ${personId}`)?.reading ?? null;
  }
}
