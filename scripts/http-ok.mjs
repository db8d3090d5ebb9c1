// For health checks in images without curl: ends with 0 when the URL answers 200.
import { get } from 'node:http'

const request = get(process.argv[2] ?? '', { timeout: 2_500 }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
)
request.once('timeout', () => process.exit(1)).once('error', () => process.exit(1))
