/** What happens at one time. */
interface Event {
  at: number;
  /** Of events at the same time, the one that was added first happens first. */
  order: number;
  run: () => void;
}

/** A binary heap of events by time. */
export class EventQueue {
  private readonly heap: Event[] = [];
  private added = 0;

  get nextAt(): number {
    return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, run: () => void): void {
    const { heap } = this;
    const event = { at, order: this.added, run };
    this.added += 1;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Event;
      if (isBefore(parent, event)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  take(): Event | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Event, heap[below] as Event)) below += 1;
      if (isBefore(last, heap[below] as Event)) break;
      heap[place] = heap[below] as Event;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
