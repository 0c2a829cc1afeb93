import { Controller, Get } from '@nestjs/common';
import { People } from '@countersign/directory-replica';
import { Call, Caller, ok, Operation, type Answer } from '@countersign/service-kit';

@Controller('v1/whoami')
export class WhoamiController {
  constructor(private readonly people: People) {}

  @Get()
  @Operation({
    scope: 'any',
    summary: 'Who the key is, and whom it acts for',
    answers: { 200: { description: 'Workspace, key and actor', schema: { type: 'object' } } },
  })
  async whoami(@Caller() call: Call): Promise<Answer> {
    const { workspace, key } = call.identity;
    const person = await this.people.actor(call);
    return ok({
      workspace: { id: workspace.id, name: workspace.name, kind: workspace.kind },
      key: { id: key.id, name: key.name, scopes: key.scopes },
      actor: person && { id: person.id, userName: person.userName, displayName: person.displayName },
    });
  }
}
