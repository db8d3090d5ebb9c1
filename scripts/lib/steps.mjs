/** Prints what each step came to. `results`: `{ name, outcome, seconds, note? }`, outcome `ok`, `FAILED` or `SKIPPED`. */
export function printSummary(title, results) {
  console.log(`\n${title}`)
  for (const { name, outcome, seconds, note } of results)
    console.log(
      `  ${name.padEnd(20)}${outcome.padEnd(9)}${`${seconds.toFixed(1)} s`.padStart(8)}${note ? `  ${note}` : ''}`,
    )
}

/** Runs `act`, which returns `{ outcome, note? }`, and adds the name and the time it took. */
export async function timed(name, act) {
  const startedAt = performance.now()
  console.log(`\n── ${name}`)
  return { name, ...(await act()), seconds: (performance.now() - startedAt) / 1000 }
}
