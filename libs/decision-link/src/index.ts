export { DecisionLinkTokens, type DecisionLink } from './decision-link';
