import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { DefinitionCopies } from './definition-copies';

@Controller()
export class DefinitionsController {
  constructor(private readonly copies: DefinitionCopies) {}

  @Handles('workflow.published.v1')
  async published(messages: Message<'workflow.published.v1'>[], tx: Tx): Promise<void> {
    await this.copies.store(
      tx,
      messages.map(({ workspaceId, data }) => ({ workspaceId, ...data })),
    );
  }
}
