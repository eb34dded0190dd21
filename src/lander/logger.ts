/** What the lander says to its operator; pino fits. Never called once per record. */
export interface LanderLogger {
  info(particulars: Record<string, unknown>, message: string): void
  warn(particulars: Record<string, unknown>, message: string): void
  error(particulars: Record<string, unknown>, message: string): void
}

export const SILENT: LanderLogger = { info() {}, warn() {}, error() {} }
