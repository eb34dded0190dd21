/**
 * Why an event is not in the log.
 *
 * `rejected`: the collector said no, and would say no again. `dropped`: it was never acknowledged and is not sent any
 * more: the queue was full, the time was over, or the tracker was closed. A dropped event may have reached the log when its
 * last attempt had no answer; sent again under its `eventId`, it still counts once.
 */
export class TrackError extends Error {
  readonly kind: 'rejected' | 'dropped'
  /**
   * `queue_full` · `too_large` · `expired` · `closed` · `not_json` · `bad_id` when dropped or refused here; the collector's own reason
   * (`unknown_event_type`, `type`, `collector/write-key`, …) or `http_<status>` when rejected there.
   */
  readonly reason: string
  /** Name of the event. */
  readonly event: string
  readonly eventId: string
  /** The property at fault, where the collector named one. */
  readonly field: string | undefined

  constructor(
    kind: 'rejected' | 'dropped',
    reason: string,
    message: string,
    about: { event: string; eventId: string; field?: string | undefined },
  ) {
    super(message)
    this.name = 'TrackError'
    this.kind = kind
    this.reason = reason
    this.event = about.event
    this.eventId = about.eventId
    this.field = about.field
  }
}
