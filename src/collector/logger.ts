/** What the collector says to its operator; pino fits. Never called once per request. */
export interface CollectorLogger {
  info(particulars: Record<string, unknown>, message: string): void
  warn(particulars: Record<string, unknown>, message: string): void
  error(particulars: Record<string, unknown>, message: string): void
}

export const SILENT: CollectorLogger = { info() {}, warn() {}, error() {} }
