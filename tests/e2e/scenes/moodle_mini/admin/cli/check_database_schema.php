<?php
// Compares the database with install.xml: tables and columns, missing, changed or too many.
define('CLI_SCRIPT', true);
require __DIR__ . '/../../config.php';
if (empty($CFG->version)) {
    echo "Database is not yet installed.\n";
    exit(2);
}
$here = $CFG->dbtype === 'pgsql' ? 'current_schema()' : 'database()';
$found = [];
foreach (rows("SELECT table_name AS t, column_name AS c, data_type AS d, is_nullable AS n
    FROM information_schema.columns WHERE table_schema = $here ORDER BY 1, 2") as $row) {
    if (str_starts_with($row['t'], $CFG->prefix)) {
        $found[substr($row['t'], strlen($CFG->prefix))][$row['c']] = $row;
    }
}
$types = ['int' => ['bigint'], 'char' => ['varchar', 'character varying'], 'text' => ['longtext', 'text']];
$errors = [];
foreach (declared() as $table => $fields) {
    if (!isset($found[$table])) {
        $errors[$table][] = 'table is missing';
        continue;
    }
    foreach ($fields as $name => $field) {
        $column = $found[$table][$name] ?? null;
        unset($found[$table][$name]);
        if ($column === null) {
            $errors[$table][] = "column '$name' is missing";
        } elseif (!in_array($column['d'], $types[(string) $field['TYPE']], true)) {
            $errors[$table][] = "column '$name' has incorrect type '{$column['d']}'";
        } elseif (($column['n'] === 'NO') !== ($field['NOTNULL'] == 'true')) {
            $errors[$table][] = "column '$name' should " . ($column['n'] === 'NO' ? 'allow NULL' : 'be NOT NULL');
        }
    }
    foreach ($found[$table] as $name => $_) {
        $errors[$table][] = "column '$name' is not expected";
    }
    unset($found[$table]);
}
foreach ($found as $table => $_) {
    $errors[$table][] = 'table is not expected';
}
if (!$errors) {
    echo "Database structure is ok.\n";
    exit(0);
}
$line = str_repeat('-', 79) . "\n";
foreach ($errors as $table => $items) {
    echo "$line$table\n * " . implode("\n * ", $items) . "\n";
}
echo $line;
exit(1);
