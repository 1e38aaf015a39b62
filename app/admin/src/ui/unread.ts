/** unread goes to the first field below `root` whose text was not understood (MoneyInput) and
 * says that there is one: then nothing is sent. */
export function unread(root: ParentNode | null | undefined): boolean {
  const field = root?.querySelector<HTMLElement>('[data-unread]');
  field?.focus();
  return Boolean(field);
}
