import { Button, type ButtonProps } from 'antd';
import { type To, useHref, useLinkClickHandler } from 'react-router';

/** LinkButton leads to a page and looks like a button: one control, where a button inside of
 * a link would be two with the same name. */
export function LinkButton({ to, ...rest }: { to: To } & Omit<ButtonProps, 'href' | 'onClick' | 'target'>) {
  const href = useHref(to);
  const follow = useLinkClickHandler<HTMLElement>(to);
  return <Button {...rest} href={href} onClick={follow} />;
}
