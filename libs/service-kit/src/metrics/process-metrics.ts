import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * What a process uses, read only when it is asked for. Not prom-client's own set: measured on Node.js 20, its timer for
 * the lag of the event loop takes 0.2 % of a core from an idle process, and its observer of the garbage collector more
 * from a busy one. The time that the loop is active tells the same: it is late when that nears one second a second.
 */
export const addProcessMetrics = (registry: Registry): void => {
  const registers = [registry];
  counted(registry, 'process_cpu_seconds_total', 'CPU time used, in seconds.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  counted(
    registry,
    'nodejs_eventloop_active_seconds_total',
    'Time in which the event loop was at work, in seconds.',
    () => performance.eventLoopUtilization().active / 1e3,
  );
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory, in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Heap in use, in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    registers,
  }).set(performance.timeOrigin / 1e3);
};

/** A counter that somebody else keeps. */
const counted = (registry: Registry, name: string, help: string, total: () => number): void => {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(total());
    },
  });
};
