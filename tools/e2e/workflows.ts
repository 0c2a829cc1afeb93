import { expectStatus, type HttpClient } from './http-client';

/** The workflow of product §4, without what this version does not know yet. */
export const purchaseOrder = `key: purchase-order
title: Purchase order
subject:                        # JSON Schema of the payload
  type: object
  required: [amount, department, region]
  properties:
    amount: { type: number, exclusiveMinimum: 0 }
    department: { type: string }
    region: { type: string, enum: [EMEA, AMER, APAC] }
reasonCodes: { reject: [budget, duplicate, policy], approve: [] }
stages:
  - key: manager
    title: Line manager
    approvers: [ { manager: { levels: 1 } } ]
  - key: finance
    when: payload.amount > 1000
    approvers: [ { group: finance } ]
    quorum: { approvals: 2 }
`;

export interface PublishedVersion {
  id: string;
  key: string;
  version: number;
  state: string;
}

/** Adds a version and publishes it. */
export async function publish(client: HttpClient, yaml: string): Promise<PublishedVersion> {
  const draft = expectStatus(
    await client.post<PublishedVersion>('/v1/workflows', yaml, { type: 'application/yaml' }),
    201,
  );
  return expectStatus(
    await client.post<PublishedVersion>(`/v1/workflows/${draft.key}/versions/${draft.version}/publish`, {}),
    200,
  );
}

/** A workflow with these stages (YAML, indented by two) that takes any payload. */
export const workflowOf = (key: string, stages: string, more = ''): string =>
  `key: ${key}\n${more}stages:\n${stages}`;
