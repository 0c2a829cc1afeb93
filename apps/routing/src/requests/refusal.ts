/** Why a command is not carried out, beyond what the decider refuses for. */
export interface Refusal {
  code: string;
  detail: string;
  pointer?: string;
  retryAfterS?: number;
}
