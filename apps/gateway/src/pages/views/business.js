// The business as its customers and its administrators use it: accounts, plans, usage, invoices, payments and reports.

import { currentUser, isAdmin } from '../session.js';
import { showForSession } from '../session-view.js';
import { accountBar, accountForms } from './business/account.js';
import { billingRunPanels } from './business/billing-run.js';
import { customerPanels } from './business/customer.js';
import { planPanel } from './business/plans.js';
import { reportPanels } from './business/reports.js';

/** Shows the view in an element until the returned function is called. */
export function show(root) {
  return showForSession(root, draw);
}

function draw(signal) {
  const user = currentUser();
  if (!user) return [accountForms(), planPanel(signal)];
  const admin = isAdmin() ? [...billingRunPanels(signal), ...reportPanels(signal)] : [];
  return [accountBar(user), ...customerPanels(signal), ...admin];
}
