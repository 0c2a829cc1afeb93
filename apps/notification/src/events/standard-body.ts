import {
  requestView,
  taskView,
  type RequestSnapshot,
  type TaskSnapshot,
  type TransitionEvent,
} from '@countersign/contracts';

/** The `standard` bodies of one transition's events (product §5). All of them hold the same request, rendered once. */
export class StandardBodies {
  private readonly requestJson: string;
  private readonly tasks: Map<string, TaskSnapshot>;

  constructor(
    private readonly request: RequestSnapshot,
    payload: unknown,
  ) {
    this.requestJson = JSON.stringify(requestView(request, payload));
    this.tasks = new Map(
      request.stages.flatMap((stage) => stage.tasks.map((task) => [task.id, task] as const)),
    );
  }

  /** The bytes that are signed and sent. */
  of(event: TransitionEvent): string {
    const { type, id, via } = event.actor;
    const task = event.type.startsWith('task.') && event.taskId ? this.tasks.get(event.taskId) : undefined;
    const members = [
      `"workspaceId":${JSON.stringify(this.request.workspaceId)}`,
      `"request":${this.requestJson}`,
      ...(task ? [`"task":${JSON.stringify(taskView(task))}`] : []),
      `"actor":${JSON.stringify({ type, id, via })}`,
    ];
    const head = `"type":${JSON.stringify(event.type)},"timestamp":${JSON.stringify(event.at)}`;
    return `{${head},"data":{${members.join(',')}}}`;
  }
}
