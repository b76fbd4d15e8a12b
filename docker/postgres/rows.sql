-- A handful of people. `pgscrim demo` makes thousands.
INSERT INTO public.users (id, full_name, id_number, email, phone, birth_date, locale, level) VALUES
    (1, '张伟',         '110108198504120018', 'zhang.wei@example.cn',   '13800138000',     '1985-04-12', 'zh', 'gold'),
    (2, '欧阳秀英',     '310104199011230021', 'ouyang.xy@example.cn',   '13900139000',     '1990-11-23', 'zh', 'basic'),
    (3, 'Alice Morgan', 'QQ 12 34 56 A',      'alice.morgan@example.com', '+44 7700 900123', '1978-02-03', 'en', 'silver');
INSERT INTO public.addresses (id, user_id, recipient, phone, region, city, street, postcode, is_default) VALUES
    (1, 1, '张伟',         '13800138000',     'CN', '北京市', '海淀区中山路12号301室', '110100', true),
    (2, 2, '欧阳秀英',     '13900139000',     'CN', '上海市', '徐汇区人民路7号902室',  '310100', true),
    (3, 3, 'Alice Morgan', '+44 7700 900123', 'GB', 'York',   '14 Castle Hill',        'YO1 7HH', true);
INSERT INTO public.products (id, sku, name, category, price, stock) VALUES
    (1, 'SKU-0001', 'Aurora desk lamp', 'home', 39.99, 120),
    (2, 'SKU-0002', 'Bamboo teapot', 'kitchen', 24.99, 60);
INSERT INTO public.orders (id, user_id, address_id, product_id, quantity, total, status, region, ordered_at) VALUES
    (1, 1, 1, 2, 2, 49.98, 'delivered', 'APAC', '2026-03-01 10:12:00+00'),
    (2, 3, 3, 1, 1, 39.99, 'shipped',   'EU',   '2026-05-11 17:40:00+00');
INSERT INTO public.payments (id, order_id, user_id, method, card_number, card_holder, amount, paid_at) VALUES
    (1, 1, 1, 'card', '6222 0000 0000 0001', '张伟',         49.98, '2026-03-01 10:12:20+00'),
    (2, 2, 3, 'card', '4111 0000 0000 0002', 'Alice Morgan', 39.99, '2026-05-11 17:40:31+00');
INSERT INTO public.page_views (id, user_id, path, search_term, ip, viewed_at) VALUES
    (1, 1, '/search', '乌龙茶', '192.0.2.17', '2026-03-01 10:02:11+00'),
    (2, 3, '/product/1', NULL, '203.0.113.9', '2026-05-11 17:31:00+00');
