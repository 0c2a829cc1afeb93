import type { TestService } from '@countersign/service-kit/test';

/** As after the day in which the secrets before a rotation sign too. */
export const endRotations = (service: TestService, endpointId: string): Promise<unknown> =>
  service.sql(
    `UPDATE endpoint
        SET former_secrets = (SELECT jsonb_agg(f || '{"until": "2000-01-01T00:00:00Z"}') FROM jsonb_array_elements(former_secrets) f)
      WHERE id = $1`,
    [endpointId],
  );
