import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { DirectoryQuestions } from './directory-questions';

/** Takes the directory's answers. */
@Controller()
export class DirectoryAnswersController {
  constructor(private readonly questions: DirectoryQuestions) {}

  @Handles('approvers.previewed.v1')
  async previewed(messages: Message<'approvers.previewed.v1'>[], tx: Tx): Promise<void> {
    this.questions.store(
      tx,
      messages.map(({ data }) => data),
    );
  }

  @Handles('directory.checked.v1')
  async checked(messages: Message<'directory.checked.v1'>[], tx: Tx): Promise<void> {
    this.questions.store(
      tx,
      messages.map(({ data: { questionId, ...answers } }) => ({ questionId, answers })),
    );
  }
}
