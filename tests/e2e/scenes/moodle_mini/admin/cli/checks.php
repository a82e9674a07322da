<?php
// The site's status, printed and told by the exit code as NRPE wants it.
define('CLI_SCRIPT', true);
require __DIR__ . '/../../config.php';
require_once "$CFG->libdir/clilib.php";
$options = cli_options(['filter' => '', 'type' => 'status', 'verbose' => false], ['f' => 'filter', 't' => 'type', 'v' => 'verbose']);
require "$CFG->dirroot/version.php";
$missing = array_filter(['xml', 'mbstring', 'curl', 'intl', 'zip', 'gd'], fn ($each) => !extension_loaded($each));
$cron = time() - (int) get_config('tool_task', 'lastcronstart');
$delay = rows('SELECT MAX(faildelay) AS worst FROM {task_scheduled}')[0]['worst'];
$checks = [
    ['core_environment', 'Environment', $missing ? 'ERROR' : 'OK', $missing ? implode(', ', $missing) : 'All tests passed.'],
    ['core_upgradecheck', 'Upgrade', $version > $CFG->version ? 'ERROR' : 'OK',
        $version > $CFG->version ? 'Your Moodle must be upgraded' : "No upgrade needed for the installed version $release ($version)."],
    ['core_antivirus', 'Antivirus', 'NA', 'Antivirus scanners are not enabled.'],
    ['tool_task_cronrunning', 'Cron running', $cron > 86400 ? 'CRITICAL' : ($cron > 120 ? 'WARNING' : 'OK'), 'The admin/cli/cron.php script has never been run.'],
    ['tool_task_maxfaildelay', 'Tasks max fail delay', $delay > 0 ? 'WARNING' : 'OK', 'The longest fail delay.'],
];
$labels = ['NA' => '       NA ', 'OK' => '       OK ', 'WARNING' => '  WARNING ', 'ERROR' => '    ERROR ', 'CRITICAL' => ' CRITICAL '];
$codes = ['NA' => 0, 'OK' => 0, 'WARNING' => 1, 'ERROR' => 2, 'CRITICAL' => 2];
[$worst, $header, $output] = [0, "OK: All '{$options['type']}' checks OK\n", ''];
foreach ($checks as [$ref, $name, $status, $summary]) {
    if ($options['filter'] && !str_contains($ref, $options['filter'])) {
        continue;
    }
    if ($codes[$status] > $worst) {
        [$worst, $header] = [$codes[$status], ($status === 'WARNING' ? $status : 'CRITICAL') . ": $name ($ref)\n"];
    }
    if ($options['verbose'] || $codes[$status] > 0) {
        $output .= sprintf("%10s| % -60s\n", $labels[$status], "$name ($ref)") . sprintf("%10s| % -60s\n", '', "    $summary");
    }
}
echo $header . ($output ? sprintf("%10s| % -60s\n", 'Status ', 'Check') . str_repeat('-', 10) . '+' . str_repeat('-', 68) . "\n$output" : '');
exit($worst);
