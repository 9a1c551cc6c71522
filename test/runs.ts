// How many random inputs a property is tried with.

/** Options of fast-check. RUNS multiplies the numbers: weekly.yml tries many more inputs than `npm test`. */
export const runs = (count: number) => ({ numRuns: Math.ceil(count * Number(process.env.RUNS ?? 1)) })
