import { envelopeOf } from '../test/in-memory';
import { jobIdOf } from './job-ids';

describe('the id of a job', () => {
  it('is the same for the same messages, and another one for packs that only begin alike', () => {
    const [a, b, c] = [envelopeOf(), envelopeOf(), envelopeOf()];
    expect(jobIdOf([a, b])).toBe(jobIdOf([a, b]));
    expect(jobIdOf([a, c])).not.toBe(jobIdOf([a, b]));
  });

  it('means nothing to BullMQ', () => {
    expect(jobIdOf([envelopeOf()])).toMatch(/^ob-[0-9a-f]+$/);
  });
});
