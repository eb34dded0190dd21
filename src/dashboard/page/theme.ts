/** Dark, light, or as the system has it. */
import { setAttribute, setText } from './dom.ts'

const KEY = 'landfall.theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Storage may be forbidden: then the choice lasts as long as the page. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Nothing depends on it.
  }
}

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

export function addThemeSwitch(button: HTMLButtonElement): void {
  const apply = (theme: string) => {
    setAttribute(document.documentElement, 'data-theme', theme)
    setText(button, theme === 'dark' ? 'Light' : 'Dark')
    setAttribute(button, 'aria-label', `Switch to ${theme === 'dark' ? 'light' : 'dark'} colours`)
  }
  const current = () => remembered(KEY) ?? (dark.matches ? 'dark' : 'light')
  dark.addEventListener('change', () => apply(current()))
  button.addEventListener('click', () => {
    const next = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark'
    remember(KEY, next)
    apply(next)
  })
  apply(current())
}
