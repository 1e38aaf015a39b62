import type { ThemeConfig } from 'antd';

// Contrast: white on #0958d9 is 6.16:1; antd's own #1677ff (4.10) and WeChat's #07c160
// (2.38) are below WCAG AA. Links need their own token: they do not follow colorPrimary.
export const theme: ThemeConfig = {
  token: {
    colorPrimary: '#0958d9',
    colorInfo: '#0958d9',
    colorLink: '#0958d9',
    colorSuccess: '#237804',
    colorWarning: '#ad6800',
    colorError: '#cf1322',
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
