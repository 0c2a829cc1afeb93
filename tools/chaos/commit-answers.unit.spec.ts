import { CommitAnswers } from './commit-answers';

const message = (type: string, body: string): Buffer => {
  const content = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(4 + content.length, 1);
  return Buffer.concat([head, content]);
};

const welcome = message('R', '\0\0\0\0');
const commit = message('C', 'COMMIT\0');
const ready = message('Z', 'I');
/** A row whose text looks like the answer that is sought. */
const row = message('D', `\0\0${commit.toString('latin1')}${'x'.repeat(300)}`);
const stream = Buffer.concat([
  welcome,
  message('C', 'BEGIN\0'),
  row,
  message('C', 'INSERT 0 1\0'),
  commit,
  ready,
]);

const splitBy = (size: number) => {
  const answers = new CommitAnswers();
  const pieces = [];
  for (let at = 0; at < stream.length; at += size)
    pieces.push(...answers.split(stream.subarray(at, at + size)));
  return pieces;
};

describe('the answers to COMMIT', () => {
  it.each([1, 2, 3, 4, 5, 7, 11, 64, stream.length])(
    'are found, and only they, when the stream comes in pieces of %d bytes',
    (size) => {
      const pieces = splitBy(size);
      expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(stream)).toBe(true);
      expect(pieces.filter(({ isCommit }) => isCommit).map(({ bytes }) => bytes)).toEqual([commit]);
    },
  );

  it('are held back until they are whole, unlike a row', () => {
    const answers = new CommitAnswers();
    answers.split(welcome);
    expect(answers.split(row.subarray(0, 20)).map(({ bytes }) => bytes.length)).toEqual([20]);
    answers.split(row.subarray(20));
    expect(answers.split(commit.subarray(0, 8))).toEqual([]);
    expect(answers.split(commit.subarray(8))).toEqual([{ bytes: commit, isCommit: true }]);
  });

  it('are several when several come at once', () => {
    const pieces = new CommitAnswers().split(Buffer.concat([welcome, commit, ready, commit, ready]));
    expect(pieces.map(({ isCommit }) => isCommit)).toEqual([false, true, false, true, false]);
  });

  it('are not a rollback, and not a statement of another name', () => {
    const others = [welcome, message('C', 'ROLLBACK\0'), message('C', 'COMMIT PREPARED\0')];
    expect(new CommitAnswers().split(Buffer.concat(others)).some(({ isCommit }) => isCommit)).toBe(false);
  });

  it('are found by a client that asked for encryption and was refused', () => {
    const answers = new CommitAnswers();
    expect(answers.split(Buffer.from('N'))).toEqual([{ bytes: Buffer.from('N'), isCommit: false }]);
    expect(answers.split(Buffer.concat([welcome, commit])).map(({ isCommit }) => isCommit)).toEqual([
      false,
      true,
    ]);
  });

  it('cannot be found in what is encrypted, or is another protocol', () => {
    expect(() => new CommitAnswers().split(Buffer.from('S'))).toThrow('encrypted');
    expect(() => new CommitAnswers().split(Buffer.from('R\0\0\0\0'))).toThrow('protocol');
  });
});
