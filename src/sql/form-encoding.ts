/** Values in the headers of Trino's protocol, as Java's URLEncoder and URLDecoder have them: a blank is a plus. */

export function formEncode(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+')
}

/** Throws URIError for what is not encoded so. */
export function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
