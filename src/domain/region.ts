/** Azure spells a region in two ways, `eastus2` for programs and `East US 2` for people: the first, of either. */
export function shortRegion(region: string): string {
  return region.toLowerCase().replace(/\s+/g, '');
}
