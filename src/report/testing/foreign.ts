/** What a page would load from elsewhere, by its text. The chart library names addresses but loads none. */
export function foreignParts(page: string): string[] {
  const [before = '', , ...after] = page.split(/<script>|<\/script>/);
  const own = [before, ...after].join('\n');
  return own.match(/<link|<img|<iframe|@import|url\((?!#)|src=|https?:[^"'\s<]*/g) ?? [];
}
