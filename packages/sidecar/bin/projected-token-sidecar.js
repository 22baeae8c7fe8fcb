#!/usr/bin/env node
// As process 1 of a container it gets no signal that it has no listener for, and loading the program takes a while.
const stop = () => process.exit(0)
process.on('SIGTERM', stop).on('SIGINT', stop)
const { main } = await import('../dist/main.js')
// It listens for itself from its first moment.
const running = main()
process.off('SIGTERM', stop).off('SIGINT', stop)
await running
