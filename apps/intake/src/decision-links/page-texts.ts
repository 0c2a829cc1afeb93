import type { DecisionKind, RequestState, StageState, TaskState } from '@countersign/contracts';
import type { Language } from '@countersign/reader';

/** Every sentence of the decision page. What people wrote is passed in as it is, and escaped by the page. */
export interface PageTexts {
  /** Titles of pages. */
  decide: string;
  settled: string;
  trouble: string;

  asked: (requester: string) => string;
  onBehalfOf: (name: string) => string;
  requester: string;
  title: string;
  reason: string;
  workflow: string;
  reference: string;
  stage: string;
  stageOf: (title: string, number: number, total: number) => string;
  due: string;
  requested: string;
  attached: string;

  changedHeading: string;
  changed: string;
  member: string;
  before: string;
  now: string;

  decisionsHeading: string;
  /** `Bob, 22 Nov 2026: approved`. */
  decisionOf: (name: string, at: string, state: TaskState) => string;
  comment: string;
  reasonCode: string;

  answerHeading: string;
  decisions: Record<DecisionKind, string>;
  decisionHints: Record<DecisionKind, string>;
  reasonCodeHint: string;
  noReasonCode: string;
  commentLabels: Record<'optional' | 'required' | 'required-on-reject', string>;
  send: string;
  once: (name: string, expires: string) => string;

  youDecided: (state: TaskState, at: string) => string;
  otherDecided: (name: string, state: TaskState, at: string) => string;
  busy: string;
  moved: string;
  closed: (state: TaskState) => string;
  requestIs: (state: RequestState) => string;
  nothingToDo: string;

  malformed: string;
  expired: string;
  switchedOff: string;
  ended: string;
  inactive: string;
  notYet: string;
  unavailable: string;
  /** The same for a decision, which may have been taken. */
  uncertain: string;
  fault: string;
  tooMuch: string;
  foreign: string;
  wrongForm: string;
  unreadable: string;

  incomplete: string;
  chooseOne: string;
  commentNeeded: string;
  commentTooLong: string;
  commentUnreadable: string;
  badReasonCode: string;
  revised: string;
  mayNot: (detail: string) => string;
  refused: string;
  tooLate: string;

  states: Record<StageState, string>;
}

const en: PageTexts = {
  decide: 'Approval needed',
  settled: 'Nothing left to do',
  trouble: 'This link cannot be used',

  asked: (requester) => `${requester} needs your decision.`,
  onBehalfOf: (name) => `You are asked on behalf of ${name}.`,
  requester: 'Requester',
  title: 'Title',
  reason: 'Reason',
  workflow: 'Workflow',
  reference: 'Reference',
  stage: 'Stage',
  stageOf: (title, number, total) => `${title} (${number} of ${total})`,
  due: 'Due',
  requested: 'What is requested',
  attached: 'Nothing more than the title.',

  changedHeading: 'Changed since you were asked',
  changed:
    'The request has been changed since the message with this link was sent. You decide on it as it is now.',
  member: 'What',
  before: 'Before',
  now: 'Now',

  decisionsHeading: 'Decisions so far',
  decisionOf: (name, at, state) => `${name}, ${at}: ${stateWords.en[state]}`,
  comment: 'Comment',
  reasonCode: 'Reason code',

  answerHeading: 'Your decision',
  decisions: { approve: 'Approve', reject: 'Reject', return: 'Return' },
  decisionHints: {
    approve: '',
    reject: '',
    return: 'to the requester, who may change it and submit it again',
  },
  reasonCodeHint: 'Reason code (optional)',
  noReasonCode: 'none',
  commentLabels: {
    optional: 'Comment (optional)',
    required: 'Comment',
    'required-on-reject': 'Comment (needed to reject)',
  },
  send: 'Send decision',
  once: (name, expires) =>
    `This page is for ${name} alone: whoever has the link can decide in that name. It works once, until ${expires}.`,

  youDecided: (state, at) => `You have decided this on ${at}: ${stateWords.en[state]}.`,
  otherDecided: (name, state, at) => `${name} has decided this on ${at}: ${stateWords.en[state]}.`,
  busy: 'Your decision has been taken and is being carried out. This page shows it in a moment.',
  moved: 'This task is not yours any more: it was given to somebody else.',
  closed: (state) => closedWords.en[state] ?? 'This task is closed.',
  requestIs: (state) => `The request is ${requestWords.en[state]}.`,
  nothingToDo: 'There is nothing left for you to do.',

  malformed: 'There is no such page. Was the link copied in full?',
  expired:
    'This link has expired. Your task may still be open: decide where you usually work, or ask for a reminder, which brings a new link.',
  switchedOff: 'Your workspace does not allow decisions by link. Decide where you usually work.',
  ended:
    'Your workspace has ended all links that were out. Your task may still be open: decide where you usually work, or ask for a reminder, which brings a new link.',
  inactive: 'The person that this link is for cannot decide any more.',
  notYet: 'This task is not here yet. Try again in a moment.',
  unavailable:
    'A part of Countersign cannot be reached right now. Nothing was decided. Try again in a moment.',
  uncertain:
    'A part of Countersign cannot be reached right now. Open the link from your message again in a moment: it shows whether your decision was taken.',
  fault:
    'Something went wrong here. Open the link from your message again to see how things stand, and tell your administrator if this happens once more.',
  tooMuch: 'That was too much to send.',
  foreign: 'This was sent from another page. Nothing was decided: open the link from your message.',
  wrongForm:
    'Nothing was decided: only the form of this page is taken. Open the link from your message and use that.',
  unreadable:
    'Nothing was decided: what was sent could not be read. Open the link from your message and send your decision again.',

  incomplete: 'Nothing has been decided yet:',
  chooseOne: 'Choose one of the decisions.',
  commentNeeded: 'This decision needs a comment.',
  commentTooLong: 'The comment may have 5,000 characters.',
  commentUnreadable: 'The comment has characters that cannot be kept.',
  badReasonCode: 'This reason code is not for this decision.',
  revised:
    'Nothing has been decided: the request was changed while you had this page open. See below what is different.',
  mayNot: (detail) => `You may not decide this: ${detail}`,
  tooLate: 'This changes nothing: your decision had been taken before.',
  refused: 'Nothing has been decided: the task is not as it was when you opened this page.',

  states: {
    pending: 'to come',
    active: 'under review',
    approved: 'approved',
    rejected: 'rejected',
    returned: 'returned',
    skipped: 'skipped',
    canceled: 'canceled',
    expired: 'expired',
    failed: 'failed',
  },
};

const de: PageTexts = {
  decide: 'Freigabe erforderlich',
  settled: 'Nichts mehr zu tun',
  trouble: 'Dieser Link kann nicht verwendet werden',

  asked: (requester) => `${requester} bittet Sie um Ihre Entscheidung.`,
  onBehalfOf: (name) => `Sie werden in Vertretung von ${name} gefragt.`,
  title: 'Titel',
  // Broken where a phone has no room for it.
  requester: 'Antrag\u00adsteller/in',
  reason: 'Begründung',
  workflow: 'Ablauf',
  reference: 'Referenz',
  stage: 'Stufe',
  stageOf: (title, number, total) => `${title} (${number} von ${total})`,
  due: 'Fällig',
  requested: 'Was beantragt wird',
  attached: 'Nichts außer dem Titel.',

  changedHeading: 'Seit der Anfrage geändert',
  changed:
    'Der Antrag wurde geändert, nachdem die Nachricht mit diesem Link verschickt wurde. Sie entscheiden über den heutigen Stand.',
  member: 'Was',
  before: 'Vorher',
  now: 'Jetzt',

  decisionsHeading: 'Bisherige Entscheidungen',
  decisionOf: (name, at, state) => `${name}, ${at}: ${stateWords.de[state]}`,
  comment: 'Kommentar',
  reasonCode: 'Grund',

  answerHeading: 'Ihre Entscheidung',
  decisions: { approve: 'Genehmigen', reject: 'Ablehnen', return: 'Zurückgeben' },
  decisionHints: {
    approve: '',
    reject: '',
    return: 'zur Überarbeitung; danach kann der Antrag erneut eingereicht werden',
  },
  reasonCodeHint: 'Grund (freiwillig)',
  noReasonCode: 'keiner',
  commentLabels: {
    optional: 'Kommentar (freiwillig)',
    required: 'Kommentar',
    'required-on-reject': 'Kommentar (bei Ablehnung erforderlich)',
  },
  send: 'Entscheidung absenden',
  once: (name, expires) =>
    `Diese Seite ist nur für ${name} bestimmt: Wer den Link hat, kann in diesem Namen entscheiden. Er gilt einmal und bis ${expires}.`,

  youDecided: (state, at) => `Sie haben am ${at} entschieden: ${stateWords.de[state]}.`,
  otherDecided: (name, state, at) => `${name} hat am ${at} entschieden: ${stateWords.de[state]}.`,
  busy: 'Ihre Entscheidung ist eingegangen und wird gerade ausgeführt. Gleich sehen Sie hier das Ergebnis.',
  moved: 'Diese Aufgabe liegt nicht mehr bei Ihnen: Sie wurde jemand anderem übertragen.',
  closed: (state) => closedWords.de[state] ?? 'Diese Aufgabe ist abgeschlossen.',
  requestIs: (state) => `Stand des Antrags: ${requestWords.de[state]}.`,
  nothingToDo: 'Sie müssen nichts weiter tun.',

  malformed: 'Diese Seite gibt es nicht. Wurde der Link vollständig kopiert?',
  expired:
    'Dieser Link ist abgelaufen. Ihre Aufgabe ist möglicherweise noch offen: Entscheiden Sie dort, wo Sie sonst arbeiten, oder bitten Sie um eine Erinnerung. Sie enthält einen neuen Link.',
  switchedOff:
    'In Ihrem Arbeitsbereich kann nicht über einen Link entschieden werden. Entscheiden Sie dort, wo Sie sonst arbeiten.',
  ended:
    'In Ihrem Arbeitsbereich wurden alle bisherigen Links beendet. Ihre Aufgabe ist möglicherweise noch offen: Entscheiden Sie dort, wo Sie sonst arbeiten, oder bitten Sie um eine Erinnerung. Sie enthält einen neuen Link.',
  inactive: 'Die Person, für die dieser Link bestimmt ist, kann nicht mehr entscheiden.',
  notYet: 'Diese Aufgabe ist hier noch nicht angekommen. Versuchen Sie es gleich noch einmal.',
  unavailable:
    'Ein Teil von Countersign ist zurzeit nicht erreichbar. Es wurde nichts entschieden. Versuchen Sie es gleich noch einmal.',
  uncertain:
    'Ein Teil von Countersign ist zurzeit nicht erreichbar. Öffnen Sie den Link aus Ihrer Nachricht gleich noch einmal: Dann sehen Sie, ob Ihre Entscheidung eingegangen ist.',
  fault:
    'Hier ist etwas schiefgegangen. Öffnen Sie den Link aus Ihrer Nachricht noch einmal, um zu sehen, wie es steht. Wenn dies wieder geschieht, sagen Sie es Ihrer Administration.',
  tooMuch: 'Das war zu viel Text.',
  foreign:
    'Dies wurde von einer anderen Seite aus abgeschickt. Es wurde nichts entschieden: Öffnen Sie den Link aus Ihrer Nachricht.',
  wrongForm:
    'Es wurde nichts entschieden: Hier gilt nur das Formular dieser Seite. Öffnen Sie den Link aus Ihrer Nachricht und verwenden Sie es.',
  unreadable:
    'Es wurde nichts entschieden: Was geschickt wurde, ist nicht lesbar. Öffnen Sie den Link aus Ihrer Nachricht und schicken Sie Ihre Entscheidung noch einmal.',

  incomplete: 'Es wurde noch nichts entschieden:',
  chooseOne: 'Wählen Sie eine Entscheidung aus.',
  commentNeeded: 'Diese Entscheidung braucht einen Kommentar.',
  commentTooLong: 'Der Kommentar darf höchstens 5.000 Zeichen haben.',
  commentUnreadable: 'Der Kommentar enthält Zeichen, die nicht gespeichert werden können.',
  badReasonCode: 'Dieser Grund passt nicht zu dieser Entscheidung.',
  revised:
    'Es wurde nichts entschieden: Der Antrag wurde geändert, während Sie diese Seite geöffnet hatten. Unten sehen Sie, was anders ist.',
  // What routing says of it is English.
  mayNot: () => 'Sie dürfen hierüber nicht entscheiden.',
  tooLate: 'Das ändert nichts mehr: Ihre Entscheidung war schon eingegangen.',
  refused: 'Es wurde nichts entschieden: Die Aufgabe ist nicht mehr so wie beim Öffnen dieser Seite.',

  states: {
    pending: 'steht noch aus',
    active: 'in Prüfung',
    approved: 'genehmigt',
    rejected: 'abgelehnt',
    returned: 'zurückgegeben',
    skipped: 'übersprungen',
    canceled: 'abgebrochen',
    expired: 'abgelaufen',
    failed: 'fehlgeschlagen',
  },
};

const stateWords: Record<Language, Record<TaskState, string>> = {
  en: {
    open: 'open',
    approved: 'approved',
    rejected: 'rejected',
    returned: 'returned',
    reassigned: 'reassigned',
    canceled: 'canceled',
    expired: 'expired',
    dismissed: 'approved, but dismissed since',
  },
  de: {
    open: 'offen',
    approved: 'genehmigt',
    rejected: 'abgelehnt',
    returned: 'zurückgegeben',
    reassigned: 'übertragen',
    canceled: 'entfallen',
    expired: 'abgelaufen',
    dismissed: 'genehmigt, inzwischen hinfällig',
  },
};

const closedWords: Record<Language, Partial<Record<TaskState, string>>> = {
  en: {
    canceled: 'Your decision is not needed any more.',
    expired: 'This was not decided in time.',
    dismissed:
      'The request was changed after you approved it, so your approval no longer counts. If it is still needed, you are asked again.',
  },
  de: {
    canceled: 'Ihre Entscheidung wird nicht mehr gebraucht.',
    expired: 'Hierüber wurde nicht rechtzeitig entschieden.',
    dismissed:
      'Der Antrag wurde geändert, nachdem Sie ihn genehmigt hatten. Ihre Genehmigung gilt deshalb nicht mehr. Falls sie noch gebraucht wird, werden Sie erneut gefragt.',
  },
};

const requestWords: Record<Language, Record<RequestState, string>> = {
  en: {
    draft: 'a draft',
    submitted: 'submitted',
    pending_review: 'under review',
    approved: 'approved',
    completed: 'approved and completed',
    returned: 'with the requester again',
    rejected: 'rejected',
    canceled: 'canceled',
    expired: 'expired',
    failed: 'failed',
  },
  de: {
    draft: 'Entwurf',
    submitted: 'eingereicht',
    pending_review: 'in Prüfung',
    approved: 'genehmigt',
    completed: 'genehmigt und abgeschlossen',
    returned: 'zur Überarbeitung zurückgegeben',
    rejected: 'abgelehnt',
    canceled: 'zurückgezogen',
    expired: 'abgelaufen',
    failed: 'fehlgeschlagen',
  },
};

export const pageTexts: Readonly<Record<Language, PageTexts>> = { en, de };
