export { newPrivateKey, newSecret, publicKeyOf } from './secret';
export { signHeaders, type SignInput, type WebhookHeaders } from './sign-headers';
export { verify, type VerifyInput, type Verification } from './verify';
