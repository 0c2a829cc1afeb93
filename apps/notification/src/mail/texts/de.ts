import type { MailTexts } from './mail-texts';

const decided = { approve: 'genehmigt', reject: 'abgelehnt', return: 'zur Überarbeitung zurückgegeben' };
const states = {
  open: 'offen',
  approved: 'genehmigt',
  rejected: 'abgelehnt',
  returned: 'zurückgegeben',
  reassigned: 'übertragen',
  canceled: 'entfallen',
  expired: 'abgelaufen',
  dismissed: 'genehmigt, inzwischen hinfällig',
};
const requestStates = {
  draft: 'ein Entwurf',
  submitted: 'eingereicht',
  pending_review: 'in Prüfung',
  approved: 'genehmigt',
  completed: 'genehmigt und abgeschlossen',
  returned: 'zur Überarbeitung zurückgegeben',
  rejected: 'abgelehnt',
  canceled: 'zurückgezogen',
  expired: 'abgelaufen',
  failed: 'fehlgeschlagen',
};

export const de: MailTexts = {
  hello: (name) => `Guten Tag ${name},`,
  sentBy: (workspace) =>
    workspace ? `Gesendet von Countersign für ${workspace}` : 'Gesendet von Countersign',
  nobody: 'niemanden',
  others: (count) => `${count} weitere`,

  labels: {
    title: 'Titel',
    reason: 'Begründung',
    requester: 'Antragsteller/in',
    workflow: 'Ablauf',
    reference: 'Referenz',
    stage: 'Stufe',
    due: 'Fällig',
    task: 'Aufgabe',
    request: 'Antrag',
    by: 'Durch',
    why: 'Warum',
    reasonCode: 'Grund',
    comment: 'Kommentar',
    failure: 'Fehler',
  },
  version: (workflow, version) => `${workflow} (Version ${version})`,
  stageOf: (title, number, total) => `${title} (${number} von ${total})`,
  requested: 'Was beantragt wird',
  decisions: 'Bisherige Entscheidungen',
  decisionOf: (stage, name, state, at) => `${stage} – ${name}: ${states[state]} (${at})`,

  decideLink: 'Ansehen und entscheiden',
  decideHint: (expires) =>
    `Der Link ist nur für Sie bestimmt: Wer ihn hat, kann in Ihrem Namen entscheiden. Leiten Sie ihn nicht weiter. Er gilt einmal und bis ${expires}. Das Öffnen allein entscheidet noch nichts.`,
  taskLink: 'Die Aufgabe (nur mit API-Schlüssel)',
  requestLink: 'Der Antrag (nur mit API-Schlüssel)',

  digest: {
    subject: (questions, news) =>
      [
        ...(questions > 0
          ? [questions === 1 ? '1 Entscheidung erforderlich' : `${questions} Entscheidungen erforderlich`]
          : []),
        ...(news > 0 ? [news === 1 ? '1 Nachricht' : `${news} Nachrichten`] : []),
      ].join(', '),
    sentence: 'Das hat sich seit der letzten Zusammenfassung für Sie angesammelt.',
  },

  erased: {
    subject: 'Neues zu einem Antrag',
    sentence:
      'Ein Antrag, mit dem Sie zu tun haben, hat sich geändert. Was es dazu zu sagen gab, ist inzwischen gelöscht.',
  },

  asked: {
    subject: 'Freigabe erforderlich',
    sentence: (requester, forYou) =>
      forYou ? `${requester} bittet Sie um Ihre Freigabe.` : `${requester} bittet um eine Freigabe.`,
    onBehalfOf: (name) => `Sie werden in Vertretung von ${name} gefragt.`,
  },
  reminded: {
    subject: 'Erinnerung: Freigabe erforderlich',
    sentence: (requester) => `Ein Antrag von ${requester} wartet noch auf Ihre Entscheidung.`,
  },
  overdue: {
    subject: 'Überfällig: Freigabe erforderlich',
    sentence: (requester) =>
      `Ein Antrag von ${requester} wartet noch auf Ihre Entscheidung und ist überfällig.`,
  },
  reassigned: {
    subject: 'Übertragen',
    sentence: (to) =>
      `Ihre Aufgabe wurde ${to === null ? 'jemand anderem' : `an ${to}`} übertragen. Sie müssen nicht mehr entscheiden.`,
  },
  decidedForYou: {
    subject: 'In Vertretung entschieden',
    sentence: (name, decision) =>
      `${name ?? 'Ihre Vertretung'} hat in Ihrem Namen über einen Antrag entschieden: Er wurde ${decision ? decided[decision] : 'entschieden'}.`,
  },
  dismissed: {
    subject: 'Genehmigung gilt nicht mehr',
    sentence:
      'Der Antrag wurde geändert, nachdem Sie ihn genehmigt hatten. Ihre Genehmigung gilt deshalb nicht mehr. Falls sie noch gebraucht wird, werden Sie erneut gefragt.',
  },

  outcomes: {
    approved: { subject: 'Genehmigt', sentence: 'Ihr Antrag wurde genehmigt.' },
    rejected: { subject: 'Abgelehnt', sentence: 'Ihr Antrag wurde abgelehnt.' },
    returned: {
      subject: 'Zurückgegeben',
      sentence:
        'Ihr Antrag wurde Ihnen zurückgegeben. Ändern Sie ihn und reichen Sie ihn erneut ein, oder ziehen Sie ihn zurück.',
    },
    canceled: { subject: 'Zurückgezogen', sentence: 'Ihr Antrag wurde zurückgezogen.' },
    expired: { subject: 'Abgelaufen', sentence: 'Über Ihren Antrag wurde nicht rechtzeitig entschieden.' },
    failed: {
      subject: 'Fehlgeschlagen',
      sentence: 'Für Ihren Antrag konnte niemand gefunden werden, der darüber entscheidet.',
    },
  },
  failures: {
    no_stage: 'Keine Stufe des Ablaufs trifft auf diesen Antrag zu.',
    no_approvers: 'Für eine Stufe des Ablaufs ließ sich niemand finden, der entscheiden darf.',
    expression_error: 'Eine Bedingung des Ablaufs konnte nicht ausgewertet werden.',
  },
  overridden: {
    approved: {
      subject: 'Durch Notfallentscheidung genehmigt',
      sentence:
        'Ihr Antrag wurde durch eine Notfallentscheidung genehmigt, ohne die noch ausstehenden Antworten abzuwarten.',
    },
    rejected: {
      subject: 'Durch Notfallentscheidung abgelehnt',
      sentence:
        'Ihr Antrag wurde durch eine Notfallentscheidung abgelehnt, ohne die noch ausstehenden Antworten abzuwarten.',
    },
  },
  remindedForRequester: {
    subject: 'Wartet noch',
    sentence: (people, several) =>
      `Ihr Antrag wartet noch auf eine Entscheidung. ${several ? 'Erinnert wurden' : 'Erinnert wurde'}: ${people}.`,
  },
  overdueForRequester: {
    subject: 'Überfällig',
    sentence: (waitingFor) =>
      `Über Ihren Antrag hätte inzwischen entschieden werden sollen. Er wartet auf ${waitingFor}.`,
  },
  escalated: {
    subject: 'Eskaliert',
    sentence: (to, several, instead) =>
      to === null
        ? 'Über Ihren Antrag wurde nicht rechtzeitig entschieden. Es ließ sich niemand sonst finden, der gefragt werden könnte.'
        : `Über Ihren Antrag wurde nicht rechtzeitig entschieden. ${instead ? 'Stattdessen' : 'Zusätzlich'} ${several ? 'wurden' : 'wurde'} ${to} gefragt.`,
  },
  tasksExpired: {
    subject: 'Nicht rechtzeitig beantwortet',
    sentence: (people, several) =>
      `${people} ${several ? 'haben' : 'hat'} nicht rechtzeitig geantwortet. Ihr Antrag wird ohne ${several ? 'diese Antworten' : 'diese Antwort'} weiterbearbeitet.`,
  },

  forYourInformation: {
    subject: 'Zur Kenntnis',
    undecided: (requester) =>
      `Über einen Antrag von ${requester} wird gerade entschieden. Sie müssen nichts tun.`,
    decided: (requester, state) =>
      `Über einen Antrag von ${requester} sollte entschieden werden; sein Stand ist inzwischen: ${requestStates[state]}. Sie müssen nichts tun.`,
  },
  channel: {
    submitted: (requester) => ({
      subject: 'Eingereicht',
      sentence: `${requester} hat einen Antrag eingereicht.`,
    }),
    outcome: (subject, requester) => ({
      subject,
      sentence: `Das ist aus einem Antrag von ${requester} geworden.`,
    }),
    assigned: (assignee, requester) => ({
      subject: 'Freigabe erforderlich',
      sentence: `${assignee} soll über einen Antrag von ${requester} entscheiden.`,
    }),
    reminded: (assignee, requester) => ({
      subject: 'Erinnerung',
      sentence: `Ein Antrag von ${requester} wartet noch auf ${assignee}.`,
    }),
    overdue: (assignee, requester) => ({
      subject: 'Überfällig',
      sentence: `Ein Antrag von ${requester} wartet noch auf ${assignee} und ist überfällig.`,
    }),
    escalated: (to, requester) => ({
      subject: 'Eskaliert',
      sentence: `Über einen Antrag von ${requester} wurde nicht rechtzeitig entschieden. Nun gefragt: ${to}.`,
    }),
    decided: (name, decision, requester) => ({
      subject: 'Entschieden',
      sentence: `${name} hat über einen Antrag von ${requester} entschieden: Er wurde ${decided[decision]}.`,
    }),
    tested: (channel, workspace) => ({
      subject: `Test: ${channel}`,
      sentence: `Countersign kann hier${workspace ? ` für ${workspace}` : ''} Nachrichten einstellen. Sie müssen nichts tun.`,
    }),
  },
  commented: {
    subject: 'Kommentar',
    sentence: (author) =>
      author ? `${author} hat diesen Antrag kommentiert.` : 'Zu diesem Antrag gibt es einen neuen Kommentar.',
  },
  endpointDisabled: {
    subject: (name) => `Webhook-Endpunkt abgeschaltet: ${name}`,
    sentences: [
      'Ein Webhook-Endpunkt, den Sie angelegt haben, erhält keine Ereignisse mehr.',
      'Was von jetzt an geschieht und was noch wartete, bleibt als übersprungene Zustellung erhalten: Schalten Sie den Endpunkt wieder ein, sobald er erreichbar ist, und wiederholen Sie die Zustellungen.',
    ],
    labels: { address: 'Adresse', description: 'Beschreibung', reason: 'Grund' },
    link: 'Der Endpunkt',
  },
};
