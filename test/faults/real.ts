/** The functions on files as they were before anything stood between. */
import fs from 'node:fs'

export const real = { ...fs }
