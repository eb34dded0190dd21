import { type Command, Option } from 'commander'
import type { AnySetting } from '../../base/setting.ts'
import { resolveSettings, SETTINGS, type SettingName, type Settings } from '../../config.ts'

const entries = Object.entries(SETTINGS) as [SettingName, AnySetting][]

/**
 * Gives a command the flags of some settings: those named, or all of a room (`lander.`). Uncommon ones work and are not in the
 * help, which `landfall settings` has.
 */
export function withSettings(command: Command, ...names: string[]): Command {
  for (const [name, spec] of entries) {
    const wanted = names.some((wish) => wish === name || (wish.endsWith('.') && name.startsWith(wish)))
    if (!wanted || spec.flag === null) continue
    command.addOption(optionOf(spec))
  }
  return command
}

/** The flags of all other settings as well, unseen: `landfall up` passes on what it was given to each of its processes. */
export function withOtherSettings(command: Command): Command {
  const taken = new Set(command.options.map(({ long }) => long))
  for (const [, spec] of entries) {
    if (spec.flag !== null && !taken.has(spec.flag)) command.addOption(optionOf(spec).hideHelp())
  }
  return command
}

function optionOf(spec: AnySetting): Option {
  const value = spec.placeholder === undefined ? '' : ` <${spec.placeholder}>`
  const option = new Option(
    `${spec.flag}${value}`,
    `${spec.help} (${describeDefault(spec)}${spec.environment})`,
  )
  return spec.common ? option : option.hideHelp()
}

export function describeDefault(spec: AnySetting): string {
  if (spec.placeholder === undefined) return ''
  const value = spec.format(spec.default as never)
  return value === '' ? '' : `default ${value}; `
}

/** Values of flags that were given, by setting. */
export function settingFlags(options: Record<string, unknown>): Partial<Record<SettingName, unknown>> {
  const flags: Partial<Record<SettingName, unknown>> = {}
  for (const [name, spec] of entries) {
    if (spec.flag === null) continue
    const value = options[optionOf(spec).attributeName()]
    if (value !== undefined) flags[name] = value
  }
  return flags
}

/** The same as a command line, for a process that we start. */
export function settingArguments(options: Record<string, unknown>): string[] {
  return Object.entries(settingFlags(options)).flatMap(([name, value]) => {
    const spec = SETTINGS[name as SettingName] as AnySetting
    return spec.placeholder === undefined ? [spec.flag!] : [spec.flag!, String(value)]
  })
}

/** Settings from flags and environment, for commands that read no pipeline file. */
export function machineSettings(options: Record<string, unknown>): Settings {
  return resolveSettings({ flags: settingFlags(options), environment: process.env })
}
