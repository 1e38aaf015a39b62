import type { ThemeConfig } from 'antd';

// Contrast: white on #0958d9 is 6.16:1; antd's own #1677ff (4.10) and WeChat's #07c160
// (2.38) are below WCAG AA. Links need their own token: they do not follow colorPrimary.
export const theme: ThemeConfig = {
  token: {
    colorPrimary: '#0958d9',
    colorInfo: '#0958d9',
    colorLink: '#0958d9',
    // antd lightens what the pointer rests on, below 4.5:1; here it darkens (8.9 and more).
    colorLinkHover: '#003eb3',
    colorLinkActive: '#002c8c',
    colorPrimaryHover: '#003eb3',
    colorPrimaryTextHover: '#003eb3',
    colorSuccess: '#237804',
    colorWarning: '#9e5f00',
    colorError: '#cf1322',
    // The grounds of alerts and tags: what antd mixes from the dark colours above is muddy.
    // Those colours stand on them with 4.5:1 or more.
    colorPrimaryBg: '#e6f4ff',
    colorPrimaryBgHover: '#d6eaff',
    colorInfoBg: '#e6f4ff',
    colorInfoBgHover: '#d6eaff',
    colorInfoBorder: '#91caff',
    colorSuccessBg: '#f6ffed',
    colorSuccessBgHover: '#e9fbd9',
    colorSuccessBorder: '#b7eb8f',
    colorWarningBg: '#fffbe6',
    colorWarningBgHover: '#fff4c2',
    colorWarningBorder: '#ffe58f',
    colorErrorBg: '#fff2f0',
    colorErrorBgHover: '#ffe4e0',
    colorErrorBorder: '#ffccc7',
    colorTextDescription: 'rgba(0,0,0,0.62)',
    colorTextTertiary: 'rgba(0,0,0,0.62)',
    colorTextPlaceholder: 'rgba(0,0,0,0.55)',
    borderRadius: 6,
    motionDurationSlow: '0.2s',
    motionDurationMid: '0.15s',
    fontFamily:
      "-apple-system, BlinkMacSystemFont, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Helvetica Neue', Arial, sans-serif",
  },
};
