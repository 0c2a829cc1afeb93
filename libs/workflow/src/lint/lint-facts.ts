/** How many active people a group or a role has; nobody counts beyond one more than a stage asks. */
export interface RefSize {
  ref: string;
  people: number;
}

/** What the directory said of what `refsIn` named. Refs as they are written in the definition; what has no size was not counted. */
export interface LintFacts {
  unknownUsers: string[];
  unknownGroups: string[];
  inactiveUsers: string[];
  groupSizes: RefSize[];
  roleSizes: RefSize[];
}
