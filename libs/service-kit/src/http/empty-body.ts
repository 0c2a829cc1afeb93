/** For calls without a body: `call.body(EmptyBody)` lets none and an empty object through, and refuses every member. */
export class EmptyBody {}
