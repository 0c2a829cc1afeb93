import {
  requestView,
  taskView,
  type RequestSnapshot,
  type RequestView,
  type TaskSnapshot,
  type TransitionEvent,
} from '@countersign/contracts';

/**
 * A longer body is sent without the largest parts of the request, and says where to read them. Twice what a payload may
 * have, so that it takes more than a large payload; receivers, and what is between, often refuse a megabyte.
 */
export const mostBodyBytes = 512 * 1_024;

/** What is left out, one after the other, until a body is short enough. */
const leftOutFirst = ['payload', 'stages', 'metadata', 'reason'] as const;

/** The `standard` bodies of one transition's events (product §5). All of them hold the same request, rendered once. */
export class StandardBodies {
  private readonly view: RequestView;
  private readonly requestJson: string;
  private readonly requestBytes: number;
  private readonly tasks: Map<string, TaskSnapshot>;
  private shortened: { json: string; omitted: string[] } | undefined;

  /** `publicUrl`: where the API is, without a slash at its end. */
  constructor(
    private readonly request: RequestSnapshot,
    payload: unknown,
    private readonly publicUrl: string,
  ) {
    this.view = requestView(request, payload);
    this.requestJson = JSON.stringify(this.view);
    this.requestBytes = Buffer.byteLength(this.requestJson);
    this.tasks = new Map(
      request.stages.flatMap((stage) => stage.tasks.map((task) => [task.id, task] as const)),
    );
  }

  /** The bytes that are signed and sent. */
  of(event: TransitionEvent): string {
    const { type, id, via } = event.actor;
    const task = event.type.startsWith('task.') && event.taskId ? this.tasks.get(event.taskId) : undefined;
    const rest = [
      ...(task ? [`"task":${JSON.stringify(taskView(task))}`] : []),
      `"actor":${JSON.stringify({ type, id, via })}`,
    ];
    const isShort = this.requestBytes + Buffer.byteLength(rest.join()) < mostBodyBytes - frameBytes;
    const members = [
      `"workspaceId":${JSON.stringify(this.request.workspaceId)}`,
      ...(isShort ? [`"request":${this.requestJson}`] : this.shortRequest()),
      ...rest,
    ];
    const head = `"type":${JSON.stringify(event.type)},"timestamp":${JSON.stringify(event.at)}`;
    return `{${head},"data":{${members.join(',')}}}`;
  }

  private shortRequest(): string[] {
    const { json, omitted } = (this.shortened ??= this.shorten());
    const url = `${this.publicUrl}/v1/requests/${this.request.id}`;
    return [`"request":${json}`, `"omitted":${JSON.stringify(omitted)}`, `"url":${JSON.stringify(url)}`];
  }

  private shorten(): { json: string; omitted: string[] } {
    const left: Partial<RequestView> = { ...this.view };
    const omitted: string[] = [];
    let json = '';
    for (const name of leftOutFirst) {
      delete left[name];
      omitted.push(`request.${name}`);
      json = JSON.stringify(left);
      if (Buffer.byteLength(json) < mostBodyBytes - shortRestBytes) break;
    }
    return { json, omitted };
  }
}

/** Of a body, what is neither request nor task nor actor. */
const frameBytes = 1_024;
/** What is kept free for a task and the rest beside a shortened request. */
const shortRestBytes = 64 * 1_024;
