export LC_ALL=C
psql -XAtq -d "$AUTH_DB" -c "SELECT id FROM credentials WHERE unregistered_at IS NULL" | sort >in-auth
psql -XAtq -d "$SHOP_DB" -c "SELECT id FROM users" | sort >in-shop
psql -XAtq -d "$SHOP_DB" -c "SELECT id FROM users WHERE state = 'active'" | sort >active-in-shop
comm -23 in-auth in-shop >only-in-auth
comm -13 in-auth active-in-shop >only-in-shop
psql -Xq -d "$SHOP_DB" -c "UPDATE users SET attempt = attempt + 1000000 WHERE state = 'pending'"
wc -l only-in-auth only-in-shop
