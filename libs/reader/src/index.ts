export { isLanguage, languageOf, languages, localeOf, tagsOf, type Language } from './language';
export { isTimezone, readerOf, type Preferences, type Reader } from './reader';
export { formatDate, formatList, formatNumber, formatTime, formatValue } from './format';
export { payloadLines, shorten, type PayloadLimits, type PayloadLine } from './payload-lines';
export { escapeHtml } from './escape-html';
export { oneLine, readable } from './readable';
