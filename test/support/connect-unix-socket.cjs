// Read by node from its standard input, so that a user who cannot reach this repository can run it.
require('node:net')
  .connect(process.argv[2])
  .once('connect', () => process.exit(0))
  .once('error', (error) => {
    console.error(error.code)
    process.exit(1)
  })
