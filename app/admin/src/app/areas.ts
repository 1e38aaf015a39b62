import { area as audience } from '@/areas/audience';
import { area as campaigns } from '@/areas/campaigns';
import { area as goods } from '@/areas/goods';
import { area as home } from '@/areas/home';
import { area as jobs } from '@/areas/jobs';
import { area as leaders } from '@/areas/leaders';
import { area as members } from '@/areas/members';
import { area as money } from '@/areas/money';
import { area as pushes } from '@/areas/pushes';
import { area as settings } from '@/areas/settings';
import type { Area } from './area';

/** In the order of the menu. */
export const areas: readonly Area[] = [
  home,
  goods,
  campaigns,
  money,
  members,
  audience,
  pushes,
  leaders,
  jobs,
  settings,
];
