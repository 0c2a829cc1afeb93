import type { MailTexts } from './mail-texts';

const decided = { approve: 'approved', reject: 'rejected', return: 'returned to the requester' };
const states = {
  open: 'open',
  approved: 'approved',
  rejected: 'rejected',
  returned: 'returned',
  reassigned: 'reassigned',
  canceled: 'canceled',
  expired: 'expired',
  dismissed: 'approved, but dismissed since',
};

export const en: MailTexts = {
  hello: (name) => `Hello ${name},`,
  sentBy: (workspace) => (workspace ? `Sent by Countersign for ${workspace}` : 'Sent by Countersign'),
  nobody: 'nobody',
  others: (count) => `${count} others`,

  labels: {
    title: 'Title',
    reason: 'Reason',
    requester: 'Requester',
    workflow: 'Workflow',
    reference: 'Reference',
    stage: 'Stage',
    due: 'Due',
    task: 'Task',
    request: 'Request',
    by: 'By',
    why: 'Why',
    reasonCode: 'Reason code',
    comment: 'Comment',
    failure: 'Failure',
  },
  version: (workflow, version) => `${workflow} (version ${version})`,
  stageOf: (title, number, total) => `${title} (${number} of ${total})`,
  requested: 'What is requested',
  decisions: 'Decisions so far',
  decisionOf: (stage, name, state, at) => `${stage} – ${name}: ${states[state]} (${at})`,

  decideLink: 'Look at it and decide',
  decideHint: (expires) =>
    `The link is for you alone: whoever has it can decide in your name, so do not forward it. It works once, until ${expires}. Opening it decides nothing yet.`,
  taskLink: 'The task (needs an API key)',
  requestLink: 'The request (needs an API key)',

  digest: {
    subject: (questions, news) =>
      [
        ...(questions > 0 ? [questions === 1 ? '1 decision needed' : `${questions} decisions needed`] : []),
        ...(news > 0 ? [news === 1 ? '1 message' : `${news} messages`] : []),
      ].join(', '),
    sentence: 'This is what has gathered for you since the last digest.',
  },

  erased: {
    subject: 'News about a request',
    sentence:
      'A request that you have to do with has changed. What there was to say about it has been erased in the meantime.',
  },

  asked: {
    subject: 'Approval needed',
    sentence: (requester, forYou) => `${requester} needs ${forYou ? 'your' : 'an'} approval.`,
    onBehalfOf: (name) => `You are asked on behalf of ${name}.`,
  },
  reminded: {
    subject: 'Reminder: approval needed',
    sentence: (requester) => `A request by ${requester} still waits for you.`,
  },
  overdue: {
    subject: 'Overdue: approval needed',
    sentence: (requester) => `A request by ${requester} still waits for you, and is overdue.`,
  },
  reassigned: {
    subject: 'Reassigned',
    sentence: (to) => `Your task was given to ${to ?? 'somebody else'}. You need not decide any more.`,
  },
  decidedForYou: {
    subject: 'Decided on your behalf',
    sentence: (name, decision) =>
      `${name ?? 'Your stand-in'} has decided a request on your behalf: it was ${decision ? decided[decision] : 'decided'}.`,
  },
  dismissed: {
    subject: 'Approval no longer counts',
    sentence:
      'The request was changed after you approved it, so your approval no longer counts. If it is still needed, you are asked again.',
  },

  outcomes: {
    approved: { subject: 'Approved', sentence: 'Your request was approved.' },
    rejected: { subject: 'Rejected', sentence: 'Your request was rejected.' },
    returned: {
      subject: 'Returned',
      sentence: 'Your request was given back to you. Change it and submit it again, or cancel it.',
    },
    canceled: { subject: 'Canceled', sentence: 'Your request was canceled.' },
    expired: { subject: 'Expired', sentence: 'Your request was not decided in time.' },
    failed: {
      subject: 'Failed',
      sentence: 'Your request could not be routed to anyone who decides on it.',
    },
  },
  failures: {},
  overridden: {
    approved: {
      subject: 'Approved by emergency override',
      sentence: 'Your request was approved by an emergency override, whoever had not answered yet.',
    },
    rejected: {
      subject: 'Rejected by emergency override',
      sentence: 'Your request was rejected by an emergency override, whoever had not answered yet.',
    },
  },
  remindedForRequester: {
    subject: 'Still waiting',
    sentence: (people, several) =>
      `Your request still waits for ${people}, who ${several ? 'were' : 'was'} reminded.`,
  },
  overdueForRequester: {
    subject: 'Overdue',
    sentence: (waitingFor) => `Your request should have been decided by now. It waits for ${waitingFor}.`,
  },
  escalated: {
    subject: 'Escalated',
    sentence: (to, several, instead) =>
      to === null
        ? 'Your request was not decided in time. Nobody else could be found to be asked.'
        : `Your request was not decided in time. ${to} ${several ? 'were' : 'was'} asked ${instead ? 'instead' : 'as well'}.`,
  },
  tasksExpired: {
    subject: 'Not answered in time',
    sentence: (people, several) =>
      `${people} did not answer in time. Your request goes on without ${several ? 'their answers' : 'that answer'}.`,
  },

  forYourInformation: {
    subject: 'For your information',
    undecided: (requester) => `A request by ${requester} is being decided. You need not do anything.`,
    decided: (requester, state) =>
      `A request by ${requester} was to be decided and is ${state} by now. You need not do anything.`,
  },
  channel: {
    submitted: (requester) => ({ subject: 'Submitted', sentence: `${requester} has submitted a request.` }),
    outcome: (subject, requester) => ({
      subject,
      sentence: `This is what became of a request by ${requester}.`,
    }),
    assigned: (assignee, requester) => ({
      subject: 'Approval needed',
      sentence: `${assignee} is asked to decide on a request by ${requester}.`,
    }),
    reminded: (assignee, requester) => ({
      subject: 'Reminder',
      sentence: `A request by ${requester} still waits for ${assignee}.`,
    }),
    overdue: (assignee, requester) => ({
      subject: 'Overdue',
      sentence: `A request by ${requester} still waits for ${assignee}, and is overdue.`,
    }),
    escalated: (to, requester) => ({
      subject: 'Escalated',
      sentence: `A request by ${requester} was not decided in time. Asked now: ${to}.`,
    }),
    decided: (name, decision, requester) => ({
      subject: 'Decided',
      sentence: `${name} has decided on a request by ${requester}: it was ${decided[decision]}.`,
    }),
    tested: (channel, workspace) => ({
      subject: `Test: ${channel}`,
      sentence: `Countersign can post here${workspace ? ` for ${workspace}` : ''}. You need not do anything.`,
    }),
  },
  commented: {
    subject: 'Comment',
    sentence: (author) =>
      author ? `${author} has commented on this request.` : 'There is a new comment on this request.',
  },
  endpointDisabled: {
    subject: (name) => `Webhook endpoint disabled: ${name}`,
    sentences: [
      'A webhook endpoint that you have created gets no more events.',
      'What happens from now on, and what was still waiting, is kept as skipped deliveries: enable the endpoint once it works, and replay them.',
    ],
    labels: { address: 'Address', description: 'Description', reason: 'Reason' },
    link: 'The endpoint',
  },
};
