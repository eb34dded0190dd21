/** How a made-up player shows in requests: a host of their own, and whatever the pipeline tells persons apart by. */
import type { CompiledPipeline } from '../model/pipeline.ts'

export interface Person {
  /** From 1. */
  number: number
  /** As a field or a header names the person: the host for `Host`, else `user7`. */
  name: string
  host: string
  /** Headers of every request, in the order in which they are sent. */
  headers: Record<string, string>
}

const DOMAINS = ['comcast.com', 'att.com', 'gmail.com', 'verizon.net', 'yahoo.com']

export function hostOf(number: number, domains: readonly string[] = DOMAINS): string {
  return `user${number}.${domains[number % domains.length]}`
}

export function createPerson(
  number: number,
  { subject, headers }: Pick<CompiledPipeline, 'subject' | 'headers'>,
  domains?: readonly string[],
): Person {
  const host = hostOf(number, domains)
  const name = subject === 'Host' ? host : `user${number}`
  const sent: Record<string, string> = { Host: host, Accept: '*/*', 'User-Agent': 'landfall-simulate' }
  if (subject !== null && subject !== 'Host' && headers.includes(subject)) sent[subject] = name
  return { number, name, host, headers: sent }
}
