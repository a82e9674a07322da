<?php
// The database and the settings.

function database(): PDO
{
    global $CFG;
    try {
        $driver = $CFG->dbtype === 'pgsql' ? 'pgsql' : 'mysql';
        $charset = $driver === 'mysql' ? ';charset=utf8mb4' : '';
        return new PDO(
            "$driver:host=$CFG->dbhost;dbname=$CFG->dbname$charset", $CFG->dbuser, $CFG->dbpass
        );
    } catch (PDOException) {
        http_response_code(500);
        fwrite(fopen('php://stderr', 'w'), "Error: Database connection failed\n");
        echo "Error: Database connection failed\n";
        exit(1);
    }
}

function prefixed(string $sql): string
{
    global $CFG;
    return preg_replace('/\{(\w+)\}/', $CFG->prefix . '$1', $sql);
}

function run(string $sql, array $values = []): PDOStatement
{
    global $DB;
    $done = $DB->prepare(prefixed($sql));
    $done->execute($values);
    return $done;
}

function rows(string $sql, array $values = []): array
{
    return run($sql, $values)->fetchAll(PDO::FETCH_ASSOC);
}

function get_config(?string $plugin, ?string $name = null): mixed
{
    global $CFG;
    $core = in_array($plugin, [null, 'core', 'moodle'], true);
    if ($core && $name !== null && array_key_exists($name, $CFG->config_php_settings)) {
        return (string) $CFG->config_php_settings[$name];
    }
    $found = $core ? rows('SELECT name, value FROM {config}')
        : rows('SELECT name, value FROM {config_plugins} WHERE plugin = ?', [$plugin]);
    $values = array_column($found, 'value', 'name');
    return $name === null ? (object) $values : ($values[$name] ?? false);
}

function set_config(string $name, ?string $value, ?string $plugin = null): void
{
    if ($plugin !== null) {
        run('DELETE FROM {config_plugins} WHERE plugin = ? AND name = ?', [$plugin, $name]);
        run('INSERT INTO {config_plugins} (plugin, name, value) VALUES (?, ?, ?)', [$plugin, $name, $value]);
        return;
    }
    run('DELETE FROM {config} WHERE name = ?', [$name]);
    if ($value !== null) {
        run('INSERT INTO {config} (name, value) VALUES (?, ?)', [$name, $value]);
    }
}

// The tables that install.xml declares: table → column → [type, not null].
function declared(): array
{
    global $CFG;
    $tables = [];
    foreach (simplexml_load_file("$CFG->libdir/db/install.xml")->TABLES->TABLE as $table) {
        foreach ($table->FIELDS->FIELD as $field) {
            $tables[(string) $table['NAME']][(string) $field['NAME']] = $field;
        }
    }
    return $tables;
}
