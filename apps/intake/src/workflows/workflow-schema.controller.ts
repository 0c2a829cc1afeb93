import { Controller, Get } from '@nestjs/common';
import { content, Operation, type Answer } from '@countersign/service-kit';
import { workflowDefinitionSchema } from '@countersign/workflow';

const body = JSON.stringify(workflowDefinitionSchema);

@Controller('v1/schemas')
export class WorkflowSchemaController {
  @Get('workflow.json')
  @Operation({
    scope: 'none',
    summary: 'JSON Schema of workflow definitions, for editors',
    answers: {
      200: {
        description: 'JSON Schema 2020-12',
        schema: { type: 'object' },
        mediaType: 'application/schema+json',
      },
    },
  })
  get(): Answer {
    return content('application/schema+json; charset=utf-8', body);
  }
}
