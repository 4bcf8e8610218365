/**
 * Asks a store for many callers at once, which costs it and this process a fraction of asking for each. One request is
 * on its way; what is asked for meanwhile, or in one turn of the event loop, becomes the next one. `ask` answers in the
 * order of its questions; when it rejects, all callers that it was for are rejected. From `questionsMax` questions on a
 * request does not wait for the one before.
 */
export function coalesced<Question, Answer>(
  ask: (questions: Question[]) => Promise<Answer[]>,
  questionsMax: number,
): (questions: readonly Question[]) => Promise<Answer[]> {
  interface Caller {
    from: number;
    to: number;
    resolve: (answers: Answer[]) => void;
    reject: (error: unknown) => void;
  }
  let questions: Question[] = [];
  let callers: Caller[] = [];
  let inFlight = 0;
  let scheduled = false;

  function flush(): void {
    if (callers.length === 0) return;
    const [sent, waiting] = [questions, callers];
    questions = [];
    callers = [];
    inFlight += 1;
    const settle = (settleCaller: (caller: Caller) => void) => {
      inFlight -= 1;
      for (const caller of waiting) settleCaller(caller);
      schedule();
    };
    ask(sent).then(
      (answers) => settle(({ from, to, resolve }) => resolve(answers.slice(from, to))),
      (error: unknown) => settle(({ reject }) => reject(error)),
    );
  }

  /** After what is already due in this turn, which may ask too: the callers just answered above all. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    process.nextTick(() => {
      scheduled = false;
      if (inFlight === 0) flush();
    });
  }

  return (wanted) =>
    new Promise((resolve, reject) => {
      const from = questions.length;
      for (const question of wanted) questions.push(question);
      callers.push({ from, to: questions.length, resolve, reject });
      if (questions.length >= questionsMax) flush();
      else if (inFlight === 0) schedule();
    });
}
