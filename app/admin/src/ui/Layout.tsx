import { ProLayout } from '@ant-design/pro-components';
import { type ReactNode, useLayoutEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

export type MenuItem = { path: string; name: string; icon?: ReactNode; children?: MenuItem[] };

function keyed(item: MenuItem): MenuItem & { key: string } {
  return { ...item, key: item.path, children: item.children?.map(keyed) };
}

/** Layout is the frame of every page: menu at the left (a drawer on a phone), header with
 * tools. The only place that knows ProLayout. */
export function Layout({
  title,
  menu,
  address,
  menuLabel,
  skip,
  tools,
  children,
}: {
  title: string;
  menu: MenuItem[];
  address: string;
  menuLabel: string;
  skip: string;
  tools: ReactNode[];
  children: ReactNode;
}) {
  const english = useTranslation().i18n.language === 'en';
  // Below its fixed header ProLayout puts an empty one that keeps the height: no landmark.
  useLayoutEffect(() => {
    for (const spare of document.querySelectorAll('header:empty')) spare.setAttribute('role', 'presentation');
  });
  return (
    <>
      <a className="skip-link" href="#main">
        {skip}
      </a>
      <ProLayout
        layout="mix"
        title={title}
        logo={<img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={28} height={28} />}
        fixedHeader
        fixSiderbar
        breakpoint="lg"
        siderWidth={english ? 240 : 208} // its words are longer
        route={{ path: '/', children: menu.map(keyed) }}
        location={{ pathname: address }}
        menu={{ type: 'sub', autoClose: false }}
        // ProLayout would mark every entry that the address begins with.
        menuProps={{ 'aria-label': menuLabel, selectedKeys: [address] } as object}
        menuItemRender={(item, dom) => <Link to={item.path ?? '/'}>{dom}</Link>}
        // Its own title is an h1, which belongs to the page.
        headerTitleRender={(logo) => (
          <Link to="/" className="site-name" aria-label={title}>
            {logo}
            <span>{title}</span>
          </Link>
        )}
        pageTitleRender={false}
        breadcrumbRender={false}
        actionsRender={() => tools}
        bgLayoutImgList={[]}
        token={{
          bgLayout: '#f5f6f8',
          pageContainer: { paddingInlinePageContainerContent: 0, paddingBlockPageContainerContent: 0 },
        }}
        contentStyle={{ padding: 0, minWidth: 0 }}
      >
        {/* ProLayout puts its content into a main of its own. */}
        <div id="main" tabIndex={-1} style={{ outline: 'none' }}>
          {children}
        </div>
      </ProLayout>
    </>
  );
}
