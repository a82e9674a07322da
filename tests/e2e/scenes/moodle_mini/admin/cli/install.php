<?php
// Writes config.php, makes the tables, fills in what a new site has.
define('CLI_SCRIPT', true);
require __DIR__ . '/../../lib/clilib.php';
$options = cli_options(array_fill_keys(
    ['lang', 'wwwroot', 'dataroot', 'dbtype', 'dbhost', 'dbname', 'dbuser', 'dbpass', 'prefix', 'fullname',
     'shortname', 'adminuser', 'adminpass', 'adminemail', 'non-interactive', 'agree-license'], ''
));
$config = dirname(__DIR__, 2) . '/config.php';
if (file_exists($config)) {
    cli_error('The configuration file config.php already exists. Please use admin/cli/install_database.php.');
}
if (!$options['agree-license']) {
    cli_error('You must agree to the license.');
}
$lines = "<?php  // Moodle configuration file\n\nunset(\$CFG);\nglobal \$CFG;\n\$CFG = new stdClass();\n\n";
$settings = ['dbtype' => $options['dbtype'], 'dblibrary' => 'native', 'dbhost' => $options['dbhost'] ?: 'localhost',
    'dbname' => $options['dbname'], 'dbuser' => $options['dbuser'], 'dbpass' => $options['dbpass'],
    'prefix' => $options['prefix'] ?: 'mdl_',
    'dboptions' => ['dbpersist' => 0, 'dbport' => '', 'dbsocket' => '', 'dbcollation' => 'utf8mb4_unicode_ci'],
    'wwwroot' => $options['wwwroot'], 'dataroot' => $options['dataroot'], 'admin' => 'admin',
    'directorypermissions' => 02777];
foreach ($settings as $name => $value) {
    $lines .= "\$CFG->$name = " . var_export($value, true) . ";\n";
}
$lines .= "\nrequire_once(__DIR__ . '/lib/setup.php');\n\n// There is no php closing tag in this file,\n";
file_put_contents($config, $lines);
require $config;

$pgsql = $CFG->dbtype === 'pgsql';
foreach (declared() as $table => $fields) {
    $columns = [];
    foreach ($fields as $name => $field) {
        $type = ['int' => 'BIGINT', 'char' => "VARCHAR({$field['LENGTH']})", 'text' => $pgsql ? 'TEXT' : 'LONGTEXT'][(string) $field['TYPE']];
        if ($field['SEQUENCE'] == 'true') {
            $columns[] = $pgsql ? "$name BIGSERIAL PRIMARY KEY" : "$name BIGINT AUTO_INCREMENT PRIMARY KEY";
            continue;
        }
        $default = isset($field['DEFAULT']) ? " DEFAULT '{$field['DEFAULT']}'" : '';
        $columns[] = "$name $type" . ($field['NOTNULL'] == 'true' ? ' NOT NULL' : '') . $default;
    }
    run("CREATE TABLE {{$table}} (" . implode(', ', $columns) . ')');
}
run("CREATE INDEX {$CFG->prefix}file_con_ix ON {files} (contenthash)");
require "$CFG->dirroot/version.php";
foreach (['version' => $version, 'release' => $release, 'cron_enabled' => 1, 'siteidentifier' => bin2hex(random_bytes(16))] as $name => $value) {
    set_config($name, (string) $value);
}
foreach (['session_cleanup_task', 'send_new_user_passwords_task', 'delete_unconfirmed_users_task'] as $task) {
    run("INSERT INTO {task_scheduled} (component, classname, minute, hour, day, month, dayofweek, faildelay)
        VALUES ('moodle', ?, '*', '*', '*', '*', '*', 0)", ["\\core\\task\\$task"]);
}
run('INSERT INTO {course} (fullname, shortname, timecreated) VALUES (?, ?, ?)', [$options['fullname'], $options['shortname'], time()]);
run("INSERT INTO {user} (confirmed, username, password, firstname, lastname, email)
    VALUES (1, 'guest', '', 'Guest user', ' ', 'root@localhost')");
run('INSERT INTO {user} (confirmed, username, password, firstname, lastname, email, timecreated) VALUES (1, ?, ?, ?, ?, ?, ?)',
    [$options['adminuser'] ?: 'admin', password_hash($options['adminpass'], PASSWORD_BCRYPT), 'Admin', 'User', $options['adminemail'], time()]);
foreach (['resource', 'page'] as $module) {
    run('INSERT INTO {modules} (name) VALUES (?)', [$module]);
}
run('INSERT INTO {repository} (type) VALUES (?)', ['upload']);
run('INSERT INTO {repository_instances} (name, typeid) SELECT ?, id FROM {repository}', ['']);
run('INSERT INTO {context} (contextlevel, instanceid) VALUES (10, 0), (50, 1), (30, 1), (30, 2)');
echo "Installation completed successfully.\n";
