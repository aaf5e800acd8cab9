/** What a page would load from elsewhere, in its own text: the chart library names addresses and loads none. */
export function foreignParts(page: string): string[] {
  const [before = '', , ...after] = page.split(/<script>|<\/script>/);
  const own = [before, ...after].join('\n');
  return own.match(/<link|<img|<iframe|@import|url\((?!#)|src=|https?:[^"'\s<]*/g) ?? [];
}
