// How long to wait before the next attempt.

const MAX_S = 30;

/** After `fails` attempts in a row: by chance, so that not all come back in the same moment, and longer each time (N2). */
export function backoffMs(fails: number, random: number): number {
  return random * Math.min(MAX_S, 2 ** fails) * 1000;
}
