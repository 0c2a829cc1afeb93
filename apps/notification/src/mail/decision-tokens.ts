import { DecisionLinkTokens } from '@countersign/decision-link';
import { SecretBox } from '@countersign/secret-box';
import { Injectable } from '@nestjs/common';
import type { KeptLink } from './plan-mail';

/** What is kept of a mail with links. */
export interface Linked {
  workspaceId: string;
  personId: string;
  links: readonly KeptLink[];
}

/** Puts the tokens of links where their ids stand: on the way out, so that nothing that is kept is a right to decide. */
@Injectable()
export class DecisionTokens {
  private readonly tokens: DecisionLinkTokens;

  constructor(secrets: SecretBox) {
    this.tokens = new DecisionLinkTokens(secrets.derive('decision-link'));
  }

  insert(text: string, { workspaceId, personId, links }: Linked): string {
    return links.reduce((written, { id, taskId, version, expiresAt }) => {
      const link = { id, workspaceId, taskId, personId, version, expiresAt: new Date(expiresAt) };
      return written.replaceAll(`/decide/${id}`, `/decide/${this.tokens.tokenOf(link)}`);
    }, text);
  }
}
